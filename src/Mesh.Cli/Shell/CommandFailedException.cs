namespace Mesh.Cli.Shell;

/// <summary>A command ends here, with sentences for the person who called it.</summary>
internal sealed class CommandFailedException : Exception
{
    private CommandFailedException(int exitCode, IReadOnlyList<string> problems, Exception? inner = null)
        : base(string.Join('\n', problems), inner)
        => (ExitCode, Problems) = (exitCode, problems);

    /// <summary><see cref="Shell.ExitCode.Failed"/> or <see cref="Shell.ExitCode.Usage"/>.</summary>
    public int ExitCode { get; }

    /// <summary>What went wrong, a sentence each.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>It was tried and did not work.</summary>
    public static CommandFailedException Failed(string problem, Exception? inner = null) => new(Shell.ExitCode.Failed, [problem], inner);

    /// <summary>It was not tried, because of these mistakes.</summary>
    public static CommandFailedException Usage(params IReadOnlyList<string> problems) => new(Shell.ExitCode.Usage, problems);
}
