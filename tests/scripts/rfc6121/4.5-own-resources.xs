# RFC 6121 sections 4.2.2, 4.4.2 and 4.5.2: the account's other resources see presence too
client balcony juliet/balcony
client chamber juliet/chamber
balcony comes online
chamber connects
chamber sends
	<presence><status>here</status></presence>
balcony receives
	<presence from='{chamber}'><status>here</status></presence>
chamber receives in any order
	<presence from='{chamber}'><status>here</status></presence>
	<presence from='{balcony}'/>
chamber sends
	<presence type='unavailable'><status>gone</status></presence>
balcony receives
	<presence from='{chamber}' type='unavailable'><status>gone</status></presence>
