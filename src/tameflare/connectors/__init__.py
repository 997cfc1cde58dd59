"""Pure: an HTTP request becomes named actions, and an action becomes an HTTP request."""
