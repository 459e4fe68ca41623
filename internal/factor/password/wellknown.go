package password

import "strings"

// wellKnown are words of which the passwords that are tried first are made, in the languages of most
// attempts. With digits and signs around them, and with letters put for others, they are no secret.
var wellKnown = strings.Fields(`
password passwort passwd passphrase motdepasse contrasena contraseña wachtwoord senha parola haslo lozinka salasana
admin administrator administrateur root toor superuser sysadmin user username guest default login logon signin welcome
willkommen bienvenue bienvenido benvenuto hello hallo bonjour letmein openup opensesame sesame enter access private
secret geheim secreto segreto changeme change temporary temp test testing tester trial demo sample example qwerty
qwertz azerty asdfgh asdf zxcvbn zxcv yxcvbn qazwsx wsxedc iloveyou iloveu iloveme loveyou love lovely lover forever
tequiero tiamo jetaime ichliebedich dragon monkey shadow master football baseball basketball hockey soccer superman
batman spiderman pokemon starwars trustno whatever freedom princess prinzessin sunshine sonnenschein flower butterfly
angel angels jesus christ church heaven summer winter spring autumn fall sommer herbst fruhling frühling verano monday
tuesday wednesday thursday friday saturday sunday montag freitag sonntag january february march april june july august
september october november december januar februar oktober dezember michael jennifer jessica ashley daniel thomas
andrew charlie jordan joshua matthew robert nicole michelle amanda maggie buster tigger ginger cookie pepper chocolate
cheese banana orange computer internet server network windows microsoft google facebook linkedin twitter instagram
amazon apple android iphone samsung macbook killer hunter ranger harley mustang ferrari porsche mercedes corvette
yamaha honda liverpool arsenal chelsea barcelona madrid realmadrid bayern london paris berlin america england deutschland
france espana mexico london canada abcdef abcd abc alpha beta gamma omega matrix phoenix thunder silver golden diamond
purple yellow rainbow snoopy garfield mickey donald hannah friends family mother father mutter vater schatz hase maus
liebe amour amor nothing something anything correcthorsebatterystaple company office business finance secure security
sicher safety qweasd
`)
