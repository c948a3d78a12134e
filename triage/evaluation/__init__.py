"""What the team is measured against."""
