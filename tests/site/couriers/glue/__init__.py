"""What Couriers adds while another plugin is on."""
