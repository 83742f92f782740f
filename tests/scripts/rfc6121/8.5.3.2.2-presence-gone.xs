# RFC 6121 section 8.5.3.2.2: presence to a full JID without that resource is ignored; subscriptions
# count as sent to the bare JID
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<presence to='{juliet.bare}/gone'/>
	<presence to='{juliet.bare}/gone' type='unavailable'/>
	<presence to='{juliet.bare}/gone' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives nothing
juliet receives nothing
romeo sends
	<presence to='{juliet.bare}/gone' type='subscribe'/>
juliet receives
	<presence from='{romeo.bare}' to='{juliet.bare}' type='subscribe'/>
