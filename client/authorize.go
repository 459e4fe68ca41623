package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// AuthorizeUser tells whether a user has a permission on a resource, now.
//
// Permission is an action such as "documents:read"; a permission on "documents:*" or "*"
// covers it. Resource is a path such as "accounts/a1/documents/d7"; a grant on
// "accounts/a1" covers it. With an asterisk ("accounts/*") the answer is yes only if the
// user has the permission on everything that the pattern can name.
//
// It answers (false, nil) only when the server says that the user does not have the
// permission. If the question cannot be answered, the error says why, and the answer is
// false: ErrForbidden if the caller may not ask about this user, ErrUnauthenticated if the
// credentials are not valid, ErrUnavailable if the server did not answer.
func (c *Client) AuthorizeUser(ctx context.Context, userID, resource, permission string) (bool, error) {
	if userID == "" || resource == "" || permission == "" {
		return false, errors.New("client: user, resource and permission must not be empty")
	}
	if strings.Contains(userID, "/") { // no path can hold it
		return c.authorizeOne(ctx, Check{userID, resource, permission})
	}
	path := "/v1/users/" + escape(userID) + "/resources/" + escape(resource) + "/permissions/" + escape(permission)
	_, err := c.do(ctx, call{method: http.MethodGet, path: path}, nil)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotFound):
		return false, nil
	}
	return false, err
}

// ResourceQuery says which of a user's resources to list.
type ResourceQuery struct {
	Resource   string // pattern, for example "accounts/*"; empty for everything
	Permission string // only resources on which the user has this permission; empty for any
	Nested     bool   // also resources below the direct matches
	Limit      int    // at most this many a page, up to 20; 0 for the server's choice
	Cursor     string // from the page before; empty for the first page
}

// ResourcePage is one page of a user's resources.
type ResourcePage struct {
	UserID    string
	Resources []string // may hold patterns, "accounts/*" for a user who has all of them
	Next      string   // Cursor of the next page; empty if this is the last one
}

// UserResources lists the resources that a user has been given, by page. A user who has
// everything under a pattern gets the pattern back, so ask AuthorizeUser before taking the
// list for complete.
func (c *Client) UserResources(ctx context.Context, userID string, q ResourceQuery) (ResourcePage, error) {
	if userID == "" {
		return ResourcePage{}, errors.New("client: the user must not be empty")
	}
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("resourceUri", q.Resource)
	set("permissions", q.Permission)
	set("cursor", q.Cursor)
	if q.Nested {
		query.Set("collectionConfiguration", "INCLUDE_NESTED")
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var answer struct {
		UserID    string `json:"userId"`
		Resources []struct {
			ResourceURI string `json:"resourceUri"`
		} `json:"resources"`
		Pagination *struct {
			Next *struct {
				Cursor string `json:"cursor"`
			} `json:"next"`
		} `json:"pagination"`
	}
	path := "/v1/users/" + escape(userID) + "/resources"
	if _, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &answer); err != nil {
		return ResourcePage{}, err
	}
	page := ResourcePage{UserID: answer.UserID, Resources: make([]string, len(answer.Resources))}
	for i, r := range answer.Resources {
		page.Resources[i] = r.ResourceURI
	}
	if answer.Pagination != nil && answer.Pagination.Next != nil {
		page.Next = answer.Pagination.Next.Cursor
	}
	return page, nil
}
