"""Care for what is kept: for how long, erasing a customer, exports, backups."""
