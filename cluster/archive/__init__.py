"""`rtaction predict --ray`: an archive of videos, named by many machines."""
