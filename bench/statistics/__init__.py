"""From records to values with intervals: patients, bootstrap, calibration, object sizes."""
