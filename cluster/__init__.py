"""What outgrows one machine: archives of videos, fleets of cameras, many trainings, on Ray."""
