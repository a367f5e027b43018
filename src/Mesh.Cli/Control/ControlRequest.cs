using System.Text.Json;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Control;

/// <summary>A request to a running process.</summary>
/// <remarks>One line each way over a Unix-domain socket: <c>NAME[ JSON]</c>, answered with <see cref="ControlAnswer"/> as JSON.</remarks>
/// <param name="Name">What is asked.</param>
/// <param name="Argument">JSON, or empty.</param>
internal readonly record struct ControlRequest(string Name, string Argument)
{
    /// <summary>Octets of the longest line, requests and answers.</summary>
    public const int MaxLineLength = 16 * 1024 * 1024;

    /// <summary>Reads a line.</summary>
    public static ControlRequest Parse(string line)
    {
        int blank = line.IndexOf(' ', StringComparison.Ordinal);
        return blank < 0 ? new ControlRequest(line, "") : new ControlRequest(line[..blank], line[(blank + 1)..]);
    }

    /// <summary>The argument as a value.</summary>
    /// <exception cref="JsonException">It is no such value.</exception>
    public T Read<T>() => JsonText.Read<T>(Argument);

    /// <inheritdoc/>
    public override string ToString() => Argument.Length == 0 ? Name : $"{Name} {Argument}";
}

/// <summary>What a process answers.</summary>
/// <param name="Result">JSON of the result, or null.</param>
/// <param name="Error">Why there is none: a sentence; or null.</param>
/// <param name="IsUsage">True where the request was wrong, false where it could not be carried out.</param>
internal sealed record ControlAnswer(JsonElement? Result, string? Error, bool IsUsage)
{
    /// <summary>It is done.</summary>
    public static ControlAnswer Of<T>(T result) => new(JsonSerializer.SerializeToElement(result, JsonText.Options), null, false);

    /// <summary>It is not.</summary>
    public static ControlAnswer Refuse(string error, bool isUsage = false) => new(null, error, isUsage);
}
