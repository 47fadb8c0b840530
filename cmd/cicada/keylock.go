package main

import (
	"fmt"
	"os"
	"time"
)

// lockKey has a key file for the peer of this process alone, until the function that it
// returns is called: two that run with one key would be one peer to all others, and take
// each other's messages. A copy of the file is not noticed, nor is a file system without
// locks.
func lockKey(path string) (unlock func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; <-time.After(lockEvery) {
		switch err := lockExclusively(file); {
		case err == nil || !isHeld(err):
			return file.Close, nil
		case time.Since(began) >= lockPatience:
			file.Close()
			return nil, &codedError{exitRefused, fmt.Errorf("key file %s: another peer runs with this key, and no two can be the same peer", path)}
		}
	}
}
