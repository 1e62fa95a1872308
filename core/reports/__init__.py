"""Reports: what is counted and summed over all records of a type, and the dashboards they stand on."""
