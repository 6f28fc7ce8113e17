"""The dialog in which a person starts a job."""
