"""Who may do what: actions and roles, teams, people and tokens."""
