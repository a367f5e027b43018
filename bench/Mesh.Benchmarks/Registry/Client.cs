using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Benchmarks.Registry;

/// <summary>Somebody who calls the registry over and over, on a connection of its own.</summary>
internal abstract class Client(HttpConnection connection)
{
    private protected const string HeadEnd = " HTTP/1.1\r\nHost: registry\r\n";

    public HttpConnection Connection => connection;

    /// <summary>When the request under way was due, as a stopwatch's timestamp.</summary>
    public long Due { get; set; }

    /// <summary>The next request, to be sent at once.</summary>
    public abstract ReadOnlySpan<byte> Next();

    /// <summary>Checks the answer to it.</summary>
    /// <exception cref="InvalidDataException">It is not what the registry owes.</exception>
    public abstract void Check(HttpAnswer answer);

    private protected static byte[] Get(RegistryCall call) => Encoding.ASCII.GetBytes($"GET {call.Target}{HeadEnd}\r\n");
}

/// <summary>Joins again and again with one token of many uses.</summary>
internal sealed class JoiningClient(HttpConnection connection, string token, string requestPem) : Client(connection)
{
    private readonly byte[] _request = Get(RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", token), ("req", requestPem), ("location", ""), ("ip", "")));

    /// <summary>Joins once.</summary>
    public NodeCertificate Join()
    {
        HttpAnswer answer = Connection.Call(_request);
        Check(answer);
        return NodeCertificate.TryParsePem(Encoding.ASCII.GetString(answer.Body), out NodeCertificate? certificate)
            ? certificate
            : throw new InvalidDataException("requestCertificate was answered with something else than a certificate");
    }

    public override ReadOnlySpan<byte> Next() => _request;

    public override void Check(HttpAnswer answer)
    {
        if (answer.Status != 200 || !answer.Body.StartsWith("-----BEGIN CERTIFICATE-----"u8))
            throw new InvalidDataException($"requestCertificate was answered with status {answer.Status}: {Encoding.UTF8.GetString(answer.Body)}");
    }
}

/// <summary>A node with a session, which asks for the network's parameters.</summary>
internal sealed class NodeClient : Client
{
    private const int MacLength = 28;   // 20 octets in base64

    private readonly NodePrefix _prefix;
    private readonly byte[] _request;
    private readonly byte[] _target;
    private readonly int _macAt;
    private SessionKey? _key;
    private SessionKey? _answerKey;

    public NodeClient(HttpConnection connection, NodePrefix prefix)
        : base(connection)
    {
        _prefix = prefix;
        string target = RegistryCall.Create(RegistryMethod.GetNetworkConfig, [(RegistryMethod.CommonNameArgument, prefix.Bits)]).Target;
        _target = Encoding.ASCII.GetBytes(target);
        string head = $"GET {target}{HeadEnd}{RegistryHeaders.Hmac}: ";
        _macAt = head.Length;
        _request = Encoding.ASCII.GetBytes($"{head}{new string('=', MacLength)}\r\n\r\n");
    }

    /// <summary>Says hello and opens the session.</summary>
    public void Hello(PrivateKey key, PublicKey authority)
    {
        HttpAnswer answer = Connection.Call(Get(RegistryCall.Create(
            RegistryMethod.Hello, ("client_prefix", _prefix.Bits), ("protocol", RegistryOptions.Protocol.ToString(CultureInfo.InvariantCulture)))));
        if (answer.Status != 200 || !SecretEnvelope.TryOpen(answer.Body, key, authority, out _key))
            throw new InvalidDataException($"hello of {_prefix} was answered with status {answer.Status}");
    }

    /// <summary>Calls once, and looks whether the answer holds what makes it expensive: a key for routing messages, encrypted for this node.</summary>
    public void CheckContent()
    {
        HttpAnswer answer = Connection.Call(Next());
        Check(answer);
        if (!NetworkParameters.TryDecode(answer.Body, out NetworkParameters? parameters) || parameters.BabelHmacSign is not { IsEmpty: false })
            throw new InvalidDataException("the parameters hold no key for routing messages");
    }

    public override ReadOnlySpan<byte> Next()
    {
        Span<byte> mac = stackalloc byte[SessionKey.Length];
        _key!.Authenticate(_target, mac);
        _ = Base64.EncodeToUtf8(mac, _request.AsSpan(_macAt, MacLength), out _, out _);
        _answerKey = _key.Ratchet();
        _key = _answerKey.Ratchet();
        return _request;
    }

    public override void Check(HttpAnswer answer)
    {
        Span<byte> mac = stackalloc byte[SessionKey.Length + 1];
        if (answer.Status != 200 || answer.Body.IsEmpty || Base64.DecodeFromUtf8(answer.Mac, mac, out _, out int length) != System.Buffers.OperationStatus.Done
            || !_answerKey!.Verify(mac[..length], answer.Body))
        {
            throw new InvalidDataException($"getNetworkConfig of {_prefix} was answered with status {answer.Status}, or with a wrong header");
        }
    }
}
