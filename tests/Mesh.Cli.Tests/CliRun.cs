using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests;

/// <summary>What a command wrote and how it ended.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    /// <summary>Runs a command in this process, without root and with an empty environment.</summary>
    public static Task<CliRun> OfAsync(params string[] args) => OfAsync(static context => context, args);

    /// <summary>Runs a command in this process.</summary>
    public static async Task<CliRun> OfAsync(Func<CliContext, CliContext> change, params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await MeshCommandLine.RunAsync(args, change(new CliContext { Out = output, Error = error }), TestContext.Current.CancellationToken);
        var run = new CliRun(code, output.ToString(), error.ToString());
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);   // never a stack trace
        return run;
    }

    /// <summary>It ended with a wrong usage, and said so.</summary>
    public void RefusesWith(params string[] parts) => EndsWith(Mesh.Cli.Shell.ExitCode.Usage, parts);

    /// <summary>It was tried and failed, and said so.</summary>
    public void FailsWith(params string[] parts) => EndsWith(Mesh.Cli.Shell.ExitCode.Failed, parts);

    private void EndsWith(int code, string[] parts)
    {
        Assert.Equal(code, ExitCode);
        Assert.Empty(Out);
        foreach (string part in parts)
            Assert.Contains(part, Error, StringComparison.Ordinal);
    }
}
