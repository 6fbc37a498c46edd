"""What `rtaction serve` watches: cameras, their events, and who is told of them."""
