"""What the pipelines of GitLab and GitHub need beside the commands that a person calls."""
