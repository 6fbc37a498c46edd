"""`rtaction predict`: what videos show, into a table or into subtitles."""
