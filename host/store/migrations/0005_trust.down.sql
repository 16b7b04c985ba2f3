DROP TABLE log_entries;
DROP TABLE log_head;
DROP TABLE used_permits;
DROP TABLE publications;
DROP TABLE revocations;
DROP TABLE permit_inputs;
DROP TABLE permits;
