"""What is known of the dom0 that will run the guests: its Xen, its config keys, its paths."""
