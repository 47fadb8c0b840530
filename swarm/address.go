package swarm

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// A dialling is a "host:port" to dial. A host may be a name.
type dialling struct {
	text string
	host string
	port uint16
}

// parseDialling refuses what can never be dialled, whatever names come to mean,
// with ErrAddress.
func parseDialling(text string) (dialling, error) {
	host, service, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return dialling{}, fmt.Errorf("%w: %q: want host:port", ErrAddress, text)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return dialling{}, fmt.Errorf("%w: %q: port %q is not a number from 1 to 65535", ErrAddress, text, service)
	}
	return dialling{text, host, uint16(port)}, nil
}

// lookupHost finds the addresses of a name.
type lookupHost func(ctx context.Context, name string) ([]netip.Addr, error)

func lookupDNS(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// addresses returns where to dial, in the order to try.
func (d dialling) addresses(ctx context.Context, lookup lookupHost) ([]netip.AddrPort, error) {
	ips := make([]netip.Addr, 1)
	var err error
	if ips[0], err = netip.ParseAddr(d.host); err != nil {
		ips, err = lookup(ctx, d.host)
	}
	if err != nil {
		return nil, &addressError{d.text, err}
	}
	list := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		list[i] = netip.AddrPortFrom(ip.Unmap(), d.port)
	}
	return list, nil
}

// resolveHost turns the host of a listening address into an address, IPv4 first.
func resolveHost(ctx context.Context, host string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}

// advertised returns where a peer that listens on bound can be dialled. Where it
// listens on all interfaces these are the addresses of the machine, the loopback
// ones only where there is no other.
func advertised(bound netip.AddrPort) ([]netip.AddrPort, error) {
	if !bound.Addr().IsUnspecified() {
		return []netip.AddrPort{bound}, nil
	}
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("swarm: addresses of this machine: %w", err)
	}
	var global, loopback []netip.AddrPort
	for _, a := range interfaces {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		ip := prefix.Addr().Unmap()
		switch {
		case bound.Addr().Is4() && !ip.Is4(), ip.IsLinkLocalUnicast(), ip.IsMulticast():
		case ip.IsLoopback():
			loopback = append(loopback, netip.AddrPortFrom(ip, bound.Port()))
		default:
			global = append(global, netip.AddrPortFrom(ip, bound.Port()))
		}
	}
	if len(global) == 0 {
		global = loopback
	}
	return global[:min(len(global), maxAdvertised)], nil
}

// maxAdvertised is how many addresses fit a record.
const maxAdvertised = 8
