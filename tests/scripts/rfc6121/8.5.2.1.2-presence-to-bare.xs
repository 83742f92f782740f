# RFC 6121 sections 8.5.2.1.2 and 8.5.2.2.2: presence to the bare JID goes to all available
# resources, negative ones too, with `to` as it was; without one it is ignored
client romeo romeo/orchard
client balcony juliet/balcony
client crypt juliet/crypt
client silent juliet/silent
romeo comes online
silent connects
romeo sends
	<presence to='{silent.bare}'><status>a</status></presence>
	<presence to='{silent.bare}' type='unavailable'><status>b</status></presence>
romeo receives nothing
balcony comes online
crypt connects
crypt sends
	<presence><priority>-3</priority></presence>
crypt forgets
balcony forgets
romeo sends
	<presence to='{balcony.bare}'><status>c</status></presence>
	<presence to='{balcony.bare}' type='unavailable'><status>d</status></presence>
balcony receives
	<presence from='{romeo}' to='{balcony.bare}'><status>c</status></presence>
	<presence from='{romeo}' to='{balcony.bare}' type='unavailable'><status>d</status></presence>
crypt receives
	<presence from='{romeo}' to='{balcony.bare}'><status>c</status></presence>
	<presence from='{romeo}' to='{balcony.bare}' type='unavailable'><status>d</status></presence>
silent receives nothing
romeo receives nothing
