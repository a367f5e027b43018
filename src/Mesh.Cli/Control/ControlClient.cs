using System.Net.Sockets;
using System.Text.Json;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Control;

/// <summary>Asks a running process of this machine.</summary>
internal sealed class ControlClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly NetworkStream _stream;
    private readonly string _who;

    private ControlClient(Socket socket, string who) => (_stream, _who) = (new NetworkStream(socket, ownsSocket: true), who);

    /// <summary>Connects.</summary>
    /// <param name="path">The process's socket.</param>
    /// <param name="who">What runs there, for messages: "the registry".</param>
    /// <param name="how">How it is started.</param>
    /// <exception cref="CommandFailedException">It does not run, or belongs to somebody else.</exception>
    public static ControlClient Connect(string path, string who, string how)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new ControlClient(socket, who);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            string directory = Path.GetDirectoryName(path)!;
            throw CommandFailedException.Failed(
                e.SocketErrorCode == SocketError.AccessDenied
                    ? $"{who} in {directory} belongs to another user: run this as that user or as root"
                    : $"{who} in {directory} is not running; start it with: {how}", e);
        }
        catch (ArgumentException e)
        {
            socket.Dispose();
            throw CommandFailedException.Usage($"{path}: {e.Message}");
        }
    }

    /// <summary>Asks for a value.</summary>
    /// <exception cref="CommandFailedException">There is none: with the reason.</exception>
    public async Task<T> AskAsync<T>(string name, object? argument, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(Timeout);
        try
        {
            await ControlLine.WriteAsync(_stream, new ControlRequest(name, argument is null ? "" : JsonText.Line(argument)).ToString(), timeout.Token);
            string line = await ControlLine.ReadAsync(_stream, timeout.Token) ?? throw CommandFailedException.Failed($"{_who} stopped while it was asked");
            ControlAnswer answer = JsonText.Read<ControlAnswer>(line);
            if (answer.Result is { } result)
                return result.Deserialize<T>(JsonText.Options)!;
            string error = answer.Error ?? $"{_who} gave no answer";
            throw answer.IsUsage ? CommandFailedException.Usage(error) : CommandFailedException.Failed(error);
        }
        catch (IOException e) when (e.InnerException is SocketException)
        {
            throw CommandFailedException.Failed($"{_who} stopped while it was asked", e);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw CommandFailedException.Failed($"{_who} did not answer within {Timeout.TotalSeconds:0} s");
        }
        catch (JsonException e)
        {
            throw CommandFailedException.Failed($"{_who} gave an answer that this program does not understand; are they of the same version?", e);
        }
    }

    public void Dispose() => _stream.Dispose();
}
