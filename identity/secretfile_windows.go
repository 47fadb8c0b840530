package identity

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// restrictFile gives file an access list of its own, inherited from nowhere,
// that lets only the user of this process in.
func restrictFile(file *os.File) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	list, err := windows.ACLFromEntries([]windows.EXPLICIT_ACCESS{{
		AccessPermissions: windows.GENERIC_ALL,
		AccessMode:        windows.SET_ACCESS,
		Trustee: windows.TRUSTEE{
			TrusteeForm:  windows.TRUSTEE_IS_SID,
			TrusteeType:  windows.TRUSTEE_IS_USER,
			TrusteeValue: windows.TrusteeValueFromSID(user.User.Sid),
		},
	}}, nil)
	if err != nil {
		return err
	}
	// By name: the handle that os opened has no right to change the list.
	return windows.SetNamedSecurityInfo(file.Name(), windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
}

// checkRestricted returns ErrPermissions if file's access list lets anybody in
// but its owner, the user of this process, administrators and the system.
func checkRestricted(file *os.File) error {
	descriptor, err := windows.GetSecurityInfo(windows.Handle(file.Fd()), windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		return err
	}
	if list == nil {
		return fmt.Errorf("%w: it has no access list, so that everybody has", ErrPermissions)
	}
	trusted, err := trustedSIDs(descriptor)
	if err != nil {
		return err
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return err
		}
		if entry.Header.AceType == windows.ACCESS_DENIED_ACE_TYPE {
			continue
		}
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE {
			return fmt.Errorf("%w: its access list has an entry of unknown type %d", ErrPermissions, entry.Header.AceType)
		}
		sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		if !containsSID(trusted, sid) {
			return fmt.Errorf("%w: its access list lets %s in", ErrPermissions, sid)
		}
	}
	return nil
}

func trustedSIDs(descriptor *windows.SECURITY_DESCRIPTOR) ([]*windows.SID, error) {
	owner, _, err := descriptor.Owner()
	if err != nil {
		return nil, err
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	trusted := []*windows.SID{owner, user.User.Sid}
	for _, kind := range []windows.WELL_KNOWN_SID_TYPE{windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid} {
		sid, err := windows.CreateWellKnownSid(kind)
		if err != nil {
			return nil, err
		}
		trusted = append(trusted, sid)
	}
	return trusted, nil
}

func containsSID(list []*windows.SID, sid *windows.SID) bool {
	for _, s := range list {
		if s != nil && s.Equals(sid) {
			return true
		}
	}
	return false
}

// syncFolder does nothing: Windows keeps names in its journal, and folders cannot be synced.
func syncFolder(string) error { return nil }
