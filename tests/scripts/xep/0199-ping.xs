# XEP-0199: to the server, to one's account, to another client and its answer
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<iq type='get' to='localhost' id='1'><ping xmlns='urn:xmpp:ping'/></iq>
	<iq type='get' to='{romeo.bare}' id='2'><ping xmlns='urn:xmpp:ping'/></iq>
romeo receives
	<iq type='result' from='localhost' id='1'/>
	<iq type='result' id='2'/>
juliet sends
	<presence to='{romeo}'/>
romeo receives
	<presence from='{juliet}' to='{romeo}'/>
romeo sends
	<iq type='get' to='{juliet}' id='3'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='get' from='{romeo}' to='{juliet}' id='3'><ping xmlns='urn:xmpp:ping'/></iq>
juliet sends
	<iq type='result' to='{romeo}' id='3'/>
romeo receives
	<iq type='result' from='{juliet}' to='{romeo}' id='3'/>
