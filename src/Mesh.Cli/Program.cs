using Mesh.Cli.Shell;

using var stop = new StopRequest();
return await MeshCommandLine.RunAsync(args, CliContext.OfProcess(), stop.Requested);
