// What stands in a header line, a character for each byte.

/** A method or a field's name (RFC 9110 §5.6.2). */
export const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A field's value (RFC 9110 §5.5). */
export const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
