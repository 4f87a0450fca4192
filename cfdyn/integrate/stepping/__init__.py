"""Steps and events: it knows a flow only as a `cfdyn.integrate.supply.supplier.Supplier`."""
