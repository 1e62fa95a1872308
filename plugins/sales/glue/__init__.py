"""What Sales adds while other modules are on."""
