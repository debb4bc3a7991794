"""Planning, pure: Guest, payload, shim and host in; a Plan, or every reason against it, out."""
