"""A hook of MkDocs: links from a page to files outside of docs/ lead to the repository.

So pages link to `../models/PEOPLE.md` as they lie in the tree, and readers of the repository and of
the site both get there.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\]\((\.\./[^)\s#]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page's Markdown, with such links made absolute."""
    folder = posixpath.dirname(page.file.src_uri)

    def outside(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, found[1]))
        if path.startswith("docs/"):
            return found[0]
        return f"]({config.repo_url}/blob/main/{path}{found[2] or ''})"

    return _LINK.sub(outside, markdown)
