// Package recordpb is the schema of a record's signed body, generated from
// identity/record.proto. It verifies nothing: package identity does. Begin
// reading at the schema.
package recordpb
