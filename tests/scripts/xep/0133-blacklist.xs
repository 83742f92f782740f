# XEP-0133 section 4.11: an account of another domain, in both directions; then inbound alone
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
client juliet juliet/balcony
admin comes online
romeo comes online
juliet comes online
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>{juliet.bare}</value><value>evil.example</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}' status='completed'></command></iq>
# RFC 6120 section 8.3.3.10
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>x</body></message>
romeo receives
	<message type='error' from='{juliet.bare}' id='1'>{error:cancel:not-allowed}</message>
juliet receives nothing
juliet sends
	<message to='{romeo.bare}' type='chat' id='2'><body>x</body></message>
juliet receives
	<message type='error' from='{romeo.bare}' id='2'>{error:cancel:not-allowed}</message>
juliet sends
	<presence to='{romeo}'/>
	<iq type='get' id='3' to='service.localhost'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='error' from='service.localhost' id='3'>{error:cancel:not-allowed}</iq>
romeo receives nothing
romeo sends
	<message to='x@evil.example' type='chat' id='4'><body>x</body></message>
romeo receives
	<message type='error' from='x@evil.example' id='4'>{error:cancel:not-allowed}</message>
# nobody administers himself away, nor his domain
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>{juliet.bare}</value><value>evil.example</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>service.localhost</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='6'>{error:modify:not-acceptable}</iq>
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>{juliet.bare}</value><value>evil.example</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>{admin.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='8'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='chat' id='8'><body>x</body><any/></message>
admin sends
	<message to='{romeo.bare}' type='chat' id='9'><body>x</body></message>
romeo receives
	<message from='{admin}' type='chat' id='9'><body>x</body><any/></message>
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>{admin.bare}</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-blacklist' sessionid='{s}' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>{juliet.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='14'><body>x</body></message>
juliet receives
	<message type='error' from='{romeo.bare}' id='14'>{error:cancel:not-allowed}</message>
romeo sends
	<message to='{juliet.bare}' type='chat' id='15'><body>x</body></message>
juliet receives
	<message from='{romeo}' type='chat' id='15'><body>x</body><any/></message>
admin sends
	<iq type='set' to='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>{juliet.bare}</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-in' sessionid='{s}' status='completed'></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='blacklistjids'><value>{juliet.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='{s}' status='completed'></command></iq>
juliet sends
	<message to='{romeo.bare}' type='chat' id='20'><body>x</body></message>
romeo receives
	<message from='{juliet}' type='chat' id='20'><body>x</body><any/></message>
romeo sends
	<message to='{juliet.bare}' type='chat' id='21'><body>x</body></message>
romeo receives
	<message type='error' from='{juliet.bare}' id='21'>{error:cancel:not-allowed}</message>
admin sends
	<iq type='set' to='service.localhost' id='22'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='22'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='blacklistjids' type='jid-multi' label='*'><value>{juliet.bare}</value></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='23'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='23'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#add-to-blacklist-out' sessionid='{s}' status='completed'></command></iq>
