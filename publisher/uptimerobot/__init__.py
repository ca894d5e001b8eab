"""UptimeRobot, which watches from outside: its API, and a monitor as a resource."""
