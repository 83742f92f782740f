# XEP-0133 section 4.23: to all who are online, of this domain
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client quiet quiet@service.localhost/x
client juliet juliet/balcony
admin comes online
romeo comes online
quiet connects
juliet comes online
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='announcement' type='text-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='announcement'><value>Attention!</value><value>Please log off now.</value></field></x></command></iq>
admin receives in any order
	<message type='headline' from='service.localhost' id='*'><body>Attention!&#10;Please log off now.</body></message>
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' status='completed'><note type='info'>*</note></command></iq>
romeo receives
	<message type='headline' from='service.localhost' id='*'><body>Attention!&#10;Please log off now.</body></message>
juliet receives nothing
quiet receives nothing
