package client

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Record is an access record: it gives users roles on resources.
type Record struct {
	ID          string            `json:"recordId,omitempty"` // chosen by the server if empty; A-Z a-z 0-9 - _ : | ~
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Users       []UserRef         `json:"users,omitempty"`
	Admins      []UserRef         `json:"admins,omitempty"`
	Groups      []GroupRef        `json:"groups,omitempty"`
	Statements  []Statement       `json:"statements"`
	Tags        map[string]string `json:"tags,omitempty"`
	Status      string            `json:"status,omitempty"`      // ACTIVE or DELETED; set by the server
	LastUpdated *time.Time        `json:"lastUpdated,omitempty"` // set by the server
}

// Statement gives every role on every resource, to the record's users and groups or to its own.
type Statement struct {
	Roles     []string      `json:"roles"`
	Resources []ResourceRef `json:"resources"`
	Users     []UserRef     `json:"users,omitempty"`
	Groups    []GroupRef    `json:"groups,omitempty"`
	// It is in force from StartsAt until before ExpiresAt; a zero time is no bound.
	StartsAt  time.Time `json:"startsAt,omitzero"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// UserRef names a user or a service client.
type UserRef struct {
	UserID string `json:"userId"`
}

// GroupRef names a group.
type GroupRef struct {
	GroupID string `json:"groupId"`
}

// ResourceRef names a resource or a pattern of them.
type ResourceRef struct {
	ResourceURI string `json:"resourceUri"`
}

// CreateRecord creates an access record and returns it as the server keeps it. The very next
// check sees it. The caller must be allowed to grant everything that it gives, or the error is
// ErrForbidden; an existing id is ErrConflict.
//
// A record with an ID is sent again if no answer came, and ErrConflict may then mean that
// the first attempt was taken. One without an ID is sent once.
func (c *Client) CreateRecord(ctx context.Context, r Record) (Record, error) {
	var out Record
	q := call{method: http.MethodPost, path: "/v1/records", body: r, once: r.ID == ""}
	_, err := c.do(ctx, q, &out)
	return out, err
}

// Record returns an access record, or ErrNotFound.
func (c *Client) Record(ctx context.Context, id string) (Record, error) {
	if id == "" {
		return Record{}, errors.New("client: the record's id must not be empty")
	}
	var out Record
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/records/" + escape(id)}, &out)
	return out, err
}

// DeleteRecord takes back what an access record gives. The very next check sees it.
func (c *Client) DeleteRecord(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("client: the record's id must not be empty")
	}
	repeated, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/records/" + escape(id)}, nil)
	if repeated && errors.Is(err, ErrNotFound) {
		return nil // an earlier attempt did it, and its answer was lost
	}
	return err
}
