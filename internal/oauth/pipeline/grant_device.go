package pipeline

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/device"
)

// Devices knows the devices that wait for their person. *device.Service does.
type Devices interface {
	Poll(ctx context.Context, b device.Bindings) error
	Take(ctx context.Context, t tx.Tx, b device.Bindings) (oauth.Authorization, error)
}

// DeviceGrant gives a device what its person has allowed (RFC 8628 section 3.4).
type DeviceGrant struct{ Devices Devices }

// Name implements Grant.
func (DeviceGrant) Name() string { return application.GrantDevice }

// Prove implements Grant. Waiting is the usual answer; it is noted apart from what is issued.
func (g DeviceGrant) Prove(ctx context.Context, a Asked) (Take, error) {
	code := a.Form.Get("device_code")
	if code == "" {
		return nil, oauth.Fail(oauth.InvalidRequest, "device_code is missing.")
	}
	b := device.Bind(a.Client, code, a.Form.Get("code_verifier"), a.Holder.JKT, a.Holder.X5T)
	if err := g.Devices.Poll(ctx, b); err != nil {
		return nil, err
	}
	return func(ctx context.Context, t tx.Tx) (Outcome, error) {
		o, err := g.Devices.Take(ctx, t, b)
		if err == nil && o.Grant == "" {
			err = errors.New("pipeline: a device's authorization names no grant")
		}
		return Outcome{Authorization: o, Begin: true}, err
	}, nil
}
