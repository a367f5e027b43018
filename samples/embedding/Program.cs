// The kernel in a program of your own: an actor whose count survives the process.
//   dotnet run --project samples/embedding -c Release -- counter.db 3
using System.Globalization;
using System.Security.Cryptography;
using Embedding;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.RealTime;

if (args.Length is 0 or > 2 || (args.Length == 2 && !int.TryParse(args[1], CultureInfo.InvariantCulture, out _)))
{
    Console.Error.WriteLine("usage: embedding JOURNAL [AMOUNT]");
    return 2;
}

// Where events are kept, and which there are.
using SqliteJournal journal = SqliteJournal.Open(args[0]);
var system = new ActorSystem(new ActorSystemOptions
{
    Name = "embedding",
    Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
    Epoch = DateTimeOffset.UtcNow,
    Journal = journal,
    Schema = new EventSchema().Add<Increased>("counter.increased"),
});

// Actors are made before the loop runs, or on it.
ActorRef counter = system.ActorOf(Props.Create(static () => new CounterActor()), "counter");
using RealTimeDriver driver = RealTimeDriver.Start(system);

// Code outside the actors asks; actors themselves only tell.
Count count = await counter.Ask<Count>(new Increase(args.Length == 2 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1), TimeSpan.FromSeconds(10));
Console.WriteLine($"the count is {count.Value}");
return 0;
