package session

import "strings"

// maxAgent is how much of a User-Agent header is read.
const maxAgent = 512

// mark is a product in a User-Agent header, and what it is called.
type mark struct{ sign, name string }

// browsers, the particular ones first: most of them also say that they are Chrome and Safari.
var browsers = []mark{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"OPT/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
	{"Vivaldi/", "Vivaldi"}, {"YaBrowser/", "Yandex Browser"}, {"DuckDuckGo/", "DuckDuckGo"}, {"Ddg/", "DuckDuckGo"}, {"FxiOS/", "Firefox"}, {"Focus/", "Firefox Focus"},
	{"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"},
}

// systems, the particular ones first: Android also says Linux, and an iPhone Mac OS X.
var systems = []mark{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"iPod", "iPod"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows Phone", "Windows Phone"}, {"Windows", "Windows"},
	{"Macintosh", "macOS"}, {"Mac OS X", "macOS"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"Linux", "Linux"}, {"X11", "Unix"},
}

// Device names what a User-Agent header seems to come from, such as "Chrome on Windows", so that people
// know their own devices. It is put together from words of this file only: nothing that the header says
// is shown. Empty when it says nothing that is known.
func Device(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	browser, system := named(agent, browsers), named(agent, systems)
	if browser == "Safari" && !strings.Contains(agent, "Safari/") {
		browser = ""
	}
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + on + system
}

// on stands between a browser and the system that it runs on. No name in this file has it in it.
const on = " on "

// Parts takes what Device has named apart again, for those who say it in another language. One of the two
// is empty when the header said only the other, or the words are not Device's.
func Parts(device string) (browser, system string) {
	if before, after, found := strings.Cut(device, on); found {
		return before, after
	}
	return device, ""
}

func named(agent string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(agent, m.sign) {
			return m.name
		}
	}
	return ""
}
