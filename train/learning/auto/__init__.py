"""`--auto`: the settings that suit the clips, found by short trials."""
