"""People in pictures: their joints, who is who from picture to picture, and joints as numbers."""
