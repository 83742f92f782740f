# RFC 6121 sections 4.4.2 and 4.5.2: that the server looks for a presence error of the contact before it sends
# more presence, as RFC 3921 had it, "has been removed"
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo befriends juliet
juliet forgets
romeo forgets
juliet sends
	<presence type='error' to='{romeo}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo receives
	<presence type='error' from='{juliet}' to='{romeo}'><any/></presence>
romeo sends
	<presence><show>away</show></presence>
juliet receives
	<presence from='{romeo}'><show>away</show></presence>
juliet sends
	<presence type='error' to='{romeo.bare}'><error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo forgets
romeo sends
	<presence type='unavailable'/>
juliet receives
	<presence type='unavailable' from='{romeo}'/>
juliet sends
	<presence type='error' to='{romeo.bare}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo sends
	<presence/>
juliet receives
	<presence from='{romeo}'/>
juliet sends
	<presence type='error' to='{romeo.bare}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>
romeo drops
juliet receives
	<presence type='unavailable' from='{romeo}'/>
