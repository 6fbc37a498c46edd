"""`rtaction eval`: run labelled videos as `rtaction cam` would, and score the results."""
