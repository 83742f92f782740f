# XEP-0133 sections 4.24 to 4.26: everybody once, at once or at the next login
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client hut romeo@service.localhost/hut
client juliet juliet@service.localhost/balcony
admin connects
romeo comes online
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='motd' type='text-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='motd'><value>The Globe</value><value>opens.</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='{s}' status='completed'></command></iq>
romeo receives
	<message type='headline' from='service.localhost' id='*'><body>The Globe&#10;opens.</body></message>
hut connects
hut sends
	<presence/>
hut receives
	<presence from='{hut}'/>
	<presence from='{romeo}'/>
romeo receives
	<presence from='{hut}'/>
hut receives nothing
romeo receives nothing
# 4.25: the form has the present one; who has seen it does not see it again
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-motd'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-motd' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='motd' type='text-multi' label='*'><required/><value>The Globe</value><value>opens.</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-motd' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='motd'><value>The Globe closes.</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-motd' sessionid='{s}' status='completed'></command></iq>
romeo receives nothing
juliet connects
juliet sends
	<presence/>
juliet receives in any order
	<presence from='{juliet}'/>
	<message type='headline' from='service.localhost' id='*'><body>The Globe closes.</body></message>
juliet disconnects
juliet connects
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
juliet receives nothing
# another one is shown to all
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='motd' type='text-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='motd'><value>News</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#set-motd' sessionid='{s}' status='completed'></command></iq>
romeo receives
	<message type='headline' from='service.localhost' id='*'><body>News</body></message>
juliet receives
	<message type='headline' from='service.localhost' id='*'><body>News</body></message>
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd' sessionid='*' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd' sessionid='*' status='completed'><note type='info'>*</note></command></iq>
