using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mesh.Registry.Http.Tests.Mail;

/// <summary>A mail server on a loopback port that the system chose. It says what a test tells it to, and keeps what it was told.</summary>
internal sealed class PlayedMailServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly Thread _thread;

    public PlayedMailServer()
    {
        _listener.Start();
        _thread = new Thread(Accept) { IsBackground = true };
        _thread.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Set: STARTTLS is offered.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Set: AUTH LOGIN is offered.</summary>
    public bool HasLogin { get; init; }

    /// <summary>What is answered to commands that begin so, in place of a good answer; null: nothing at all.</summary>
    public Dictionary<string, string?> Answers { get; init; } = new(StringComparer.Ordinal);

    /// <summary>To this command an answer is begun that never ends: a line now and then.</summary>
    public string? Dripping { get; init; }

    /// <summary>The commands of all connections, in order; those in a TLS connection begin with <c>tls </c>.</summary>
    public ConcurrentQueue<string> Commands { get; } = new();

    /// <summary>The mails, as they came between DATA and the dot.</summary>
    public ConcurrentQueue<string> Mails { get; } = new();

    public void Dispose()
    {
        _listener.Stop();
        foreach (TcpClient client in _clients)
            client.Dispose();
        _thread.Join();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                TcpClient client = _listener.AcceptTcpClient();
                _clients.Add(client);
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            Stream stream = client.GetStream();
            string layer = "";
            if (!Say(stream, "CONNECT", "220 test"))
                return;
            while (ReadLine(stream) is { } line)
            {
                Commands.Enqueue(layer + line);
                string verb = line.Split(' ')[0].ToUpperInvariant();
                if (verb == "STARTTLS")
                {
                    if (!Say(stream, verb, "220 go on"))
                        return;
                    var tls = new SslStream(stream);
                    tls.AuthenticateAsServer(Certificate!);
                    (stream, layer) = (tls, "tls ");
                    continue;
                }

                if (!Answer(stream, verb, line, layer))
                    return;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or System.Security.Authentication.AuthenticationException)
        {
            // the client went away, or the test ended
        }
        finally
        {
            client.Dispose();
        }
    }

    private bool Answer(Stream stream, string verb, string line, string layer)
    {
        switch (verb)
        {
            case "EHLO":
                string tls = Certificate is not null && layer.Length == 0 ? "250-STARTTLS\r\n" : "";
                return Say(stream, verb, $"250-test\r\n{tls}{(HasLogin ? "250-AUTH LOGIN\r\n" : "")}250 SIZE 100000");
            case "AUTH":
                Commands.Enqueue(layer + "user " + Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2])));
                Write(stream, "334 UGFzc3dvcmQ6");
                Commands.Enqueue(layer + "password " + Encoding.UTF8.GetString(Convert.FromBase64String(ReadLine(stream)!)));
                return Say(stream, verb, "235 welcome");
            case "DATA":
                if (!Say(stream, verb, "354 go on"))
                    return false;
                var mail = new StringBuilder();
                while (ReadLine(stream) is { } text && text != ".")
                    mail.Append(text).Append('\n');
                Mails.Enqueue(mail.ToString());
                return Say(stream, ".", "250 taken");
            case "QUIT":
                _ = Say(stream, verb, "221 bye");
                return false;
            default:
                return Say(stream, verb, "250 good");
        }
    }

    // False where nothing is to be said any more: the connection then stays open and silent until the test ends.
    private bool Say(Stream stream, string verb, string good)
    {
        while (verb == Dripping)
        {
            Write(stream, "250-and");
            Thread.Sleep(200);
        }

        string? answer = Answers.GetValueOrDefault(verb, good);
        if (answer is null)
        {
            _ = stream.ReadByte();
            return false;
        }

        Write(stream, answer);
        return true;
    }

    private static void Write(Stream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text + "\r\n"));

    private static string? ReadLine(Stream stream)
    {
        var line = new StringBuilder();
        for (int octet = stream.ReadByte(); octet >= 0; octet = stream.ReadByte())
        {
            if (octet == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)octet);
        }

        return null;
    }
}
