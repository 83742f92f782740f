# XEP-0054: set, get one's own, get another's; nobody sets another's
client romeo romeo/orchard
client juliet juliet/balcony
romeo connects
juliet connects
juliet sends
	<iq type='set' id='s'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard></iq>
juliet receives
	<iq type='result' id='s'/>
juliet sends
	<iq type='get' id='g'><vCard xmlns='vcard-temp'/></iq>
juliet receives
	<iq type='result' id='g'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard></iq>
romeo sends
	<iq type='get' to='{juliet.bare}' id='h'><vCard xmlns='vcard-temp'/></iq>
romeo receives
	<iq type='result' from='{juliet.bare}' id='h'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard></iq>
romeo sends
	<iq type='set' to='{juliet.bare}' id='i'><vCard xmlns='vcard-temp'><FN>Nobody</FN></vCard></iq>
romeo receives
	<iq type='error' from='{juliet.bare}' id='i'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='get' to='{nobody}' id='j'><vCard xmlns='vcard-temp'/></iq>
romeo receives
	<iq type='error' from='{nobody}' id='j'>{error:cancel:service-unavailable}</iq>
