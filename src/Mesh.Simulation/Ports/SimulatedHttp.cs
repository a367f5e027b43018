using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>HTTP GET over simulated TCP: the text of HTTP/1.1, one connection per request, as the Python registry does it.</summary>
public sealed class SimulatedHttp(Machine machine) : IHttpPort
{
    private const string LineEnd = "\r\n";

    /// <inheritdoc/>
    public void Get(object tag, HttpGet request, ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Uri.TryCreate(request.BaseUrl, UriKind.Absolute, out Uri? overlay) && overlay.HostNameType == UriHostNameType.IPv6
            && !(IPAddress.TryParse(overlay.DnsSafeHost, out IPAddress? underlay) && machine.Reaches(underlay)))
        {
            Tell(replyTo, new HttpFailed(tag, "simulated machines have no TCP in the overlay"));
            return;
        }

        if (!Uri.TryCreate(request.BaseUrl, UriKind.Absolute, out Uri? url) || !IPAddress.TryParse(url.DnsSafeHost, out IPAddress? host))
        {
            Tell(replyTo, new HttpFailed(tag, $"'{request.BaseUrl}' is not the URL of a simulated registry: it needs an address"));
            return;
        }

        TcpConnection connection = machine.Tcp.Connect(new IPEndPoint(host, url.Port));
        bool isOver = false;
        void Finish(object outcome)
        {
            if (isOver)
                return;
            isOver = true;
            connection.Close();
            Tell(replyTo, outcome);
        }

        connection.Opened = () => connection.Send(Encoding.UTF8.GetBytes(Write(request, url)));
        connection.Received = bytes => Finish(TryRead(bytes, out int status, out string? mac, out ReadOnlyMemory<byte> body)
            ? new HttpAnswered(tag, status, mac, body)
            : new HttpFailed(tag, "the answer is not HTTP"));
        connection.Closed = reason => Finish(new HttpFailed(tag, reason));
        machine.After(request.Timeout, () => Finish(new HttpFailed(tag, "the request timed out")));
    }

    /// <summary>Serves the registry whose front desk is <paramref name="desk"/>.</summary>
    /// <param name="port">TCP port.</param>
    /// <param name="desk">Gets the requests.</param>
    /// <param name="called">Told the method of each request.</param>
    public void Serve(int port, ActorRef desk, Action<string> called)
    {
        machine.Tcp.Listen(port, connection => connection.Received = bytes =>
        {
            if (machine.System is not { } system)
                return;
            if (TryReadRequest(bytes, connection.Remote.Address) is not { } request)
            {
                connection.Send(Encoding.ASCII.GetBytes(WriteHead(new RegistryResponse(400, ReadOnlyMemory<byte>.Empty))));
                return;
            }

            called(request.Target.TrimStart('/').Split('?')[0]);
            system.SystemActorOf(Props.Create(() => new Exchange(desk, request, connection)));
        });
    }

    private static string Write(HttpGet request, Uri url)
    {
        var text = new StringBuilder($"GET {url.AbsolutePath.TrimEnd('/')}{request.PathAndQuery} HTTP/1.1{LineEnd}Host: {url.Authority}{LineEnd}");
        foreach ((string name, string value) in request.Headers)
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}{LineEnd}");
        return text.Append(LineEnd).ToString();
    }

    private static string WriteHead(RegistryResponse response)
    {
        var text = new StringBuilder($"HTTP/1.1 {response.Status}{LineEnd}Content-Length: {response.Body.Length}{LineEnd}");
        if (response.Mac is not null)
            text.Append(CultureInfo.InvariantCulture, $"{RegistryHeaders.Hmac}: {response.Mac}{LineEnd}");
        return text.Append(LineEnd).ToString();
    }

    private static RegistryRequest? TryReadRequest(ReadOnlyMemory<byte> bytes, IPAddress peer)
    {
        string[] lines = Encoding.UTF8.GetString(bytes.Span).Split(LineEnd);
        string[] words = lines[0].Split(' ');
        return words.Length == 3 ? new RegistryRequest(words[0], words[1], peer) { Mac = HeaderOf(lines) } : null;
    }

    private static bool TryRead(ReadOnlyMemory<byte> bytes, out int status, out string? mac, out ReadOnlyMemory<byte> body)
    {
        (status, mac, body) = (0, null, default);
        int end = bytes.Span.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        string[] lines = Encoding.ASCII.GetString(bytes.Span[..end]).Split(LineEnd);
        string[] words = lines[0].Split(' ');
        mac = HeaderOf(lines);
        body = bytes[(end + 4)..];
        return words.Length >= 2 && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out status);
    }

    private static string? HeaderOf(string[] lines)
    {
        string name = $"{RegistryHeaders.Hmac}: ";
        return Array.Find(lines, line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase))?[name.Length..];
    }

    private void Tell(ActorRef to, object message) => machine.System?.Loop.Inject(to, message);

    /// <summary>Carries one request to the front desk and its answer back.</summary>
    private sealed class Exchange(ActorRef desk, RegistryRequest request, TcpConnection connection) : Actor
    {
        protected override void PreStart() => desk.Tell(request, Self);

        protected override void Receive(object message)
        {
            if (message is not RegistryResponse response)
            {
                Unhandled(message);
                return;
            }

            byte[] head = Encoding.ASCII.GetBytes(WriteHead(response));
            byte[] whole = new byte[head.Length + response.Body.Length];
            head.CopyTo(whole, 0);
            response.Body.CopyTo(whole.AsMemory(head.Length));
            connection.Send(whole);
            Context.Stop(Self);
        }
    }
}
