"""`rtaction eval`: labelled videos run as `rtaction cam` runs them, and scored."""
