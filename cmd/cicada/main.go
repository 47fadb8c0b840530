// Command cicada runs peers of a swarm and shows what a swarm does.
//
// It is a thin layer over package swarm: what it can do, a program that imports
// swarm can do. Begin reading at commandLine in command.go; each command has a
// file of its own name.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
