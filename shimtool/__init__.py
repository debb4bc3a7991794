"""Boot unchanged Xen PV guests inside HVM or PVH containers with the PV shim."""

__version__ = "0.2.0"
