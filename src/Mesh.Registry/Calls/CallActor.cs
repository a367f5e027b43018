using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;
using Mesh.Registry.Sessions;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Calls;

/// <summary>One call: from the request to the status code.</summary>
/// <remarks>
/// <code>
/// request --> method known, arguments right? --no--> 400
///    |- public --------------------------------------------------------\
///    |- private: origin allowed? --no--> 403                            +--> command --> answer --> [encrypt] --> status
///    |- authenticated: session? --no--> 401, header right? --no--> 400 -/
/// </code>
/// Results that are not empty are 200, empty ones 204. 200 and 204 of an authenticated call carry the header that proves them.
/// Protocol reference sections 3.1 to 3.4.
/// </remarks>
internal sealed class CallActor(RegistryActors registry, RegistryRequest request, ActorRef asker) : Actor
{
    private const int FirstProtocolWithCountries = 7;

    private RegistryCall _call = null!;
    private NodePrefix _node;
    private AcceptedRequest? _accepted;
    private string? _pem;
    private bool _isAnswered;

    /// <summary>503: try again later.</summary>
    public static RegistryResponse Unavailable(string reason, TimeSpan retryAfter) =>
        new(503, Encoding.UTF8.GetBytes(reason + "\n")) { IsText = true, RetryAfter = retryAfter };

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.Timers.StartSingle(Overdue.Instance, Overdue.Instance, registry.Options.CallTimeout);
        Begin();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        if (!_isAnswered)
            asker.Tell(Text(500, "internal error"));
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case Authenticated authenticated:
                _accepted = authenticated.Accepted;
                CallAsNode();
                break;
            case NoSession:
                Answer(Text(401, "say hello first"));
                break;
            case WrongMac:
                Answer(Text(400, "wrong or missing authentication"));
                break;
            case HelloAnswered hello:
                Answer(Octets(hello.Body));
                break;
            case CertificateFound found when _call.Method == RegistryMethod.GetNetworkConfig:
                registry.Parameters.Tell(new GetParameters(_node, found.Pem));
                _pem = found.Pem;
                break;
            case CertificateFound found:
                _pem = found.Pem;
                registry.Bootstrap.Tell(new PickPeer(_node, found.RegistryPrefix));
                break;
            case ParametersGiven given:
                EncodeOnPool(given);
                break;
            case ParametersEncoded encoded:
                Answer(Octets(encoded.Body));
                break;
            case KeysStepped stepped:
                registry.Parameters.Tell(new AwaitSteps(stepped.Status.Steps));   // answered when the nodes can ask for them
                break;
            case NodeList list:
                registry.LocalNode!.Tell(new CollectVersions([.. list.Nodes.Where(static node => !node.IsExcluded).Select(static node => node.Prefix)]));
                break;
            case NetworkKnown { RegistryPrefix: { } root }:
                registry.LocalNode!.Tell(new CollectTopology(root));
                break;
            case NetworkKnown:
                Answer(Text(200, "{}"));
                break;
            case VersionsCollected versions:
                Answer(new RegistryResponse(200, versions.Json) { IsText = true });
                break;
            case TopologyCollected topology:
                Answer(new RegistryResponse(200, topology.Json) { IsText = true });
                break;
            case LocalNodeBusy:
                Answer(Unavailable("too many other questions to the nodes are under way", TimeSpan.FromSeconds(5)));
                break;
            case NodeFound { Prefix: { } node } when _call.Method == RegistryMethod.GetIpv4Information:
                registry.Bootstrap.Tell(new FindAdvertised(node));
                break;
            case AdvertisedFound { Addresses: null } unknown when registry.LocalNode is { } localNode:
                localNode.Tell(new AskAddress(unknown.Node));
                break;
            case AdvertisedFound found:
                Answer(Ipv4Of(found.Addresses));
                break;
            case AddressAnswered answered:
                Answer(Ipv4Of(answered.Addresses));
                break;
            case RevocationList list:
                SignRevocation(list);
                break;
            case PeerPicked picked:
                Encrypt(picked);
                break;
            case NoPeer:
                Answer(Octets([]));
                break;
            case RegistryAnswer answer:
                Answer(ToResponse(answer));
                break;
            case WorkDone { Tag: ParametersGiven given, Result: byte[] body }:
                registry.Parameters.Tell(new KeepEncoded(_node, _pem!, given.Parameters.Version, body));
                Answer(Octets(body));
                break;
            case WorkDone { Result: byte[] body }:
                Answer(Octets(body));
                break;
            case WorkFailed failed:
                Log.Error($"{_call.Method} failed: {failed.Reason.Message}", failed.Reason);
                Answer(Text(500, "internal error"));
                break;
            case WorkRejected:
                Answer(Unavailable("too much is under way", TimeSpan.FromSeconds(1)));
                break;
            case Overdue or RegistryStopped:
                Answer(Unavailable("the registry did not answer in time", TimeSpan.FromSeconds(5)));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Begin()
    {
        if (!string.Equals(request.Verb, "GET", StringComparison.Ordinal))
            Answer(Text(501, "only GET is served"));
        else if (!RegistryCall.TryParse(request.Target, out RegistryCall? call))
            Answer(Text(400, "malformed request"));
        else if (TryClassify(call, out RegistryAccess access) is { } problem)
            Answer(Text(400, problem));
        else
            Begin(call, access);
    }

    private static string? TryClassify(RegistryCall call, out RegistryAccess access)
    {
        access = RegistryAccess.Authenticated;
        if (!RegistryMethod.TryFind(call.Method, out RegistryMethod? method))
            return "unknown method";
        access = method.Access;
        return method.Accepts(call) ? null : "missing or unknown argument";
    }

    private void Begin(RegistryCall call, RegistryAccess access)
    {
        _call = call;
        switch (access)
        {
            case RegistryAccess.Public:
                CallAsAnybody();
                break;
            case RegistryAccess.Private when !Origins.IsAllowed(registry.Options.AuthorizedOrigins, request):
                Answer(Text(403, "not from here"));
                break;
            case RegistryAccess.Private:
                CallAsAdministrator();
                break;
            default:
                Authenticate();
                break;
        }
    }

    // An empty cn is refused: registries of re6st skip the authentication then. One that is no prefix can have no session.
    private void Authenticate()
    {
        string bits = _call.Argument(RegistryMethod.CommonNameArgument)!;
        if (bits.Length == 0)
            Answer(Text(400, "cn is empty"));
        else if (!NodePrefix.TryParseBits(bits, out _node))
            Answer(Text(401, "say hello first"));
        else
            registry.Sessions.Tell(new Authenticate(_node, request.Target, request.Mac));
    }

    private void CallAsAnybody()
    {
        switch (_call.Method)
        {
            case RegistryMethod.GetCa:
                Answer(Text(200, registry.Authority.CertificatePem));
                break;
            case RegistryMethod.Hello:
                Hello();
                break;
            case RegistryMethod.GetRevocation when TryReadSerial(out _):
                registry.Crl.Tell(new GetRevocations());
                break;
            case RegistryMethod.GetRevocation:
                Answer(Text(400, "serial is not a serial number"));
                break;
            case RegistryMethod.RequestCertificate:
                registry.Registry.Tell(new RequestCertificate(_call.Argument("token")!, _call.Argument("req")!, _call.Argument("location") ?? "", ClientAddress()));
                break;
            case RegistryMethod.RequestToken when registry.Mail is { } mail:
                mail.Tell(new RequestToken(_call.Argument("email")!));
                break;
            case RegistryMethod.RequestToken:
                Answer(Text(403, "this registry sends no mail; ask its administrator for a token"));
                break;
            default:
                Answer(NotServed());
                break;
        }
    }

    // A client may say what it likes, so only authorized origins are believed; and the header Host names the server, not the client.
    private string ClientAddress() =>
        _call.Argument("ip") is { Length: > 0 } ip && Origins.IsAllowed(registry.Options.AuthorizedOrigins, request)
            ? ip
            : Origins.ResponsibleFor(registry.Options.AuthorizedOrigins, request).ToString();

    private void Hello()
    {
        if (!int.TryParse(_call.Argument("protocol") ?? "1", NumberStyles.None, CultureInfo.InvariantCulture, out int protocol))
            Answer(Text(500, "protocol is not a number"));
        else if (!NodePrefix.TryParseBits(_call.Argument("client_prefix")!, out NodePrefix prefix))
            Answer(Text(404, "no certificate"));
        else
            registry.Sessions.Tell(new SayHello(prefix, protocol));
    }

    private bool TryReadSerial(out ulong serial) =>
        ulong.TryParse(_call.Argument(RegistryMethod.SerialArgument), NumberStyles.None, CultureInfo.InvariantCulture, out serial);

    // A node that is shut out gets no session, and so no list. That it is shut out must not be something that anybody on the way can make it believe.
    private void SignRevocation(RevocationList list)
    {
        RegistryActors shared = registry;
        if (TryReadSerial(out ulong serial) && list.Entries.ContainsKey(serial))
            registry.WorkPool.Run(_call.Method, () => shared.Authority.SignRevocation(serial), Self);
        else
            Answer(Octets([]));
    }

    private void CallAsNode()
    {
        switch (_call.Method)
        {
            case RegistryMethod.GetNetworkConfig:
                registry.Registry.Tell(new GetCertificate(_node));
                break;
            case RegistryMethod.RenewCertificate:
                registry.Registry.Tell(new RenewCertificate(_node));
                break;
            case RegistryMethod.GetBootstrapPeer:
                registry.Registry.Tell(new GetCertificate(_node));
                break;
            case RegistryMethod.GetDh:
                Answer(Text(200, registry.Options.DhParameters));
                break;
            case RegistryMethod.GetCountry:
                Answer(CountryOf(_call.Argument("address")!));
                break;
            case RegistryMethod.Advertise when AddressList.TryParse(_call.Argument(RegistryMethod.AddressesArgument), out AddressList addresses, out _):
                registry.Bootstrap.Tell(new Advertise(_node, addresses));
                break;
            case RegistryMethod.Advertise:
                Answer(Text(400, "malformed address list"));
                break;
            default:
                Answer(NotServed());
                break;
        }
    }

    private RegistryResponse CountryOf(string text)
    {
        if (registry.Ports.Countries is not { } countries)
            return Text(400, "this registry has no country database");
        if (!IPAddress.TryParse(text, out IPAddress? address))
            return Text(500, "address is not an IP address");
        return countries.Find(address) is { Code.Length: > 0 } country ? Text(200, country.Code) : Octets([]);
    }

    private void CallAsAdministrator()
    {
        switch (_call.Method)
        {
            case RegistryMethod.AddToken:
                registry.Registry.Tell(new AddToken(_call.Argument("email")!, _call.Argument("token")!));
                break;
            case RegistryMethod.DeleteToken:
                registry.Registry.Tell(new DeleteToken(_call.Argument("token")!));
                break;
            case RegistryMethod.IsToken:
                registry.Registry.Tell(new IsToken(_call.Argument("token")!));
                break;
            case RegistryMethod.Revoke:
                registry.Registry.Tell(new Revoke(_call.Argument("cn_or_serial")!));
                break;
            case RegistryMethod.UpdateHmac:
                registry.Hmac.Tell(new UpdateHmac());
                break;
            case RegistryMethod.GetNodePrefix or RegistryMethod.GetIpv6Address or RegistryMethod.GetIpv4Information:
                registry.Registry.Tell(new FindNode(_call.Argument("email")!));
                break;
            case RegistryMethod.Versions when registry.LocalNode is not null:
                registry.Registry.Tell(new ListNodes());
                break;
            case RegistryMethod.Topology when registry.LocalNode is not null:
                registry.Registry.Tell(new GetNetwork());
                break;
            default:
                Answer(NotServed());
                break;
        }
    }

    private RegistryResponse ToResponse(RegistryAnswer answer) => answer switch
    {
        Done or TokenAccepted or UnknownToken => Octets([]),
        TokenExists => Text(409, "the token exists"),
        TokenKnown known => known.IsKnown ? Text(200, "1") : Octets([]),
        RegistrationDisabled => Text(403, "registration is disabled"),
        RecentlyMailed recently => Text(429, "this address was sent a token a short while ago") with { RetryAfter = recently.RetryAfter },
        Refused refused => Text(refused.IsMalformed ? 500 : 400, refused.Reason),
        NetworkFull => Text(500, "no prefix of that length is free"),
        CertificateGiven given => Text(200, given.Pem),
        NoCertificate => Text(404, "no certificate"),
        NodeFound { Prefix: null } => Octets([]),
        NodeFound { Prefix: { } prefix } => Text(200, _call.Method == RegistryMethod.GetNodePrefix ? prefix.CommonName : prefix.FirstAddress(registry.Authority.Network).ToString()),
        Overloaded overloaded => Unavailable("too much is under way", overloaded.RetryAfter),
        _ => Text(500, "internal error"),
    };

    private void EncodeOnPool(ParametersGiven given)
    {
        RegistryActors shared = registry;
        string pem = _pem!;
        registry.WorkPool.Run(
            given,
            () => (given.Parameters with { BabelHmacSign = Encrypted(shared, pem, given.SignKey), BabelHmacAccept = Encrypted(shared, pem, given.AcceptKey) }).Encode(),
            Self);
    }

    // An empty key stays empty: it means that any signature is accepted.
    private static ImmutableArray<byte>? Encrypted(RegistryActors shared, string pem, byte[]? key) => key switch
    {
        null => null,
        { Length: 0 } => [],
        _ => [.. shared.Authority.EncryptFor(pem, key)],
    };

    // Addresses that do not fit are left out, the least preferred ones first. A peer without any is no help.
    private void Encrypt(PeerPicked picked)
    {
        RegistryActors shared = registry;
        AddressList addresses = _accepted!.Protocol < FirstProtocolWithCountries ? picked.Addresses.WithoutCountries() : picked.Addresses;
        string pem = _pem!;
        registry.WorkPool.Run(
            _call.Method,
            () =>
            {
                byte[] plain = new BootstrapPeer(picked.Node, addresses).Encode(shared.Authority.MaxPlainLength(pem));
                return plain[^1] == ' ' ? [] : shared.Authority.EncryptFor(pem, plain);
            },
            Self);
    }

    // The host of the first advertised address, as the method of re6st is meant; there it never finds one.
    private static RegistryResponse Ipv4Of(AddressList? addresses) =>
        addresses?.FirstOrDefault(static address => IPAddress.TryParse(address.Host, out IPAddress? host) && host.AddressFamily == AddressFamily.InterNetwork) is { } first
            ? Text(200, first.Host)
            : Octets([]);

    private RegistryResponse NotServed() => Text(400, $"this registry does not serve {_call.Method}");

    private static RegistryResponse Octets(byte[] body) => new(body.Length == 0 ? 204 : 200, body);

    private static RegistryResponse Text(int status, string text) =>
        new(status, Encoding.UTF8.GetBytes(status >= 400 ? text + "\n" : text)) { IsText = true };

    private void Answer(RegistryResponse response)
    {
        if (_isAnswered)
            return;
        _isAnswered = true;
        if (_accepted is not null && response.Status is (200 or 204))
            response = response with { Mac = _accepted.AnswerKey.HeaderFor(response.Body.Span) };
        asker.Tell(response);
        Context.Stop(Self);
    }

    private sealed record Overdue
    {
        public static readonly Overdue Instance = new();
    }
}
